import type { Command } from 'commander';
import { type Admin, openAdmin } from './admin-client.ts';
import type { Context, GlobalOptions } from './context.ts';
import { type Output, outputOf } from './output.ts';

/** With what a command of the admin API works. */
export interface Work {
  readonly context: Context;
  readonly output: Output;
  readonly isJson: boolean;
  /** Signs in and gives the admin API; commands that need a secret from a person ask for it first. */
  admin(): Promise<Admin>;
}

/** Gives a command its action: its arguments and options come with what it works with. */
export function act<O>(
  command: Command,
  context: Context,
  work: (tools: Work, options: O, ...args: string[]) => Promise<void>,
): Command {
  return command.action(async (...all: unknown[]) => {
    const { json = false, credential } = command.optsWithGlobals<GlobalOptions>();
    const args = all.filter((value) => typeof value === 'string');
    const tools: Work = {
      context,
      output: outputOf(context, json),
      isJson: json,
      admin: () => openAdmin(context, credential),
    };
    await work(tools, command.opts() as O, ...args);
  });
}

/** An option that may be given many times. */
export const many = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
