import type { Theme } from '@latchkey/pages/layout';
import type { Texts } from '@latchkey/pages/texts';
import { createWords, type Language, type Words } from '@latchkey/pages/words';
import { FileUnusable } from '../file-unusable.ts';
import type { Settings } from '../settings.ts';
import { type Logo, readLogo } from './logo.ts';
import { readTexts } from './texts.ts';

/** How the pages of a deployment look, and what they say. */
export interface Appearance {
  readonly theme: Theme;
  readonly logo: Logo | undefined;
  readonly words: Readonly<Record<Language, Words>>;
}

/** Where the logo is, under the issuer's path. */
export const LOGO_PATH = '/pages/logo';

type Dress = Pick<Settings, 'issuer' | 'pagesName' | 'pagesAccent' | 'pagesLogo' | 'pagesTexts'>;

/**
 * Reads logo and texts, once: what takes their place later is seen after the next start. The logo's address changes with
 * it, so that a browser may keep the image.
 *
 * @throws FileUnusable
 */
export function readAppearance({ issuer, pagesName, pagesAccent, pagesLogo, pagesTexts }: Dress): Appearance {
  const logo = pagesLogo === undefined ? undefined : readLogo(pagesLogo);
  const texts = pagesTexts === undefined ? {} : textsOf(pagesTexts);
  const base = new URL(issuer).pathname.replace(/\/+$/, '');
  return {
    theme: {
      name: pagesName,
      ...(pagesAccent === undefined ? {} : { accent: pagesAccent }),
      ...(logo === undefined ? {} : { logo: `${base}${LOGO_PATH}?v=${logo.version}` }),
    },
    logo,
    words: { en: createWords('en', texts.en), de: createWords('de', texts.de), fr: createWords('fr', texts.fr) },
  };
}

function textsOf(path: string): Texts {
  const texts = readTexts(path);
  if (texts.ok) return texts.value;
  throw new FileUnusable(texts.error.join(' '), `Mend it in ${path}.`);
}
