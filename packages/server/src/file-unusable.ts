/** A file of the configuration that cannot be used, and what to do about it. */
export class FileUnusable extends Error {
  override readonly name = 'FileUnusable';
  readonly mend: string;

  constructor(problem: string, mend: string) {
    super(problem);
    this.mend = mend;
  }
}
