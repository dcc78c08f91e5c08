// What a test reads from an answer, it compares: there is nothing to be gained from proving its shape first.
export {};

declare global {
  interface Response {
    // biome-ignore lint/suspicious/noExplicitAny: only in tests, where `toEqual` says what is expected
    json(): Promise<any>;
  }
}
