/** Waiting, as it reaches code: an argument like clock and network, so that a simulation says when a time is over. */
export interface Timers {
  /** Calls back once after so many milliseconds. Gives back the way to call it off. */
  after(milliseconds: number, action: () => void): () => void;
  /** The same, for what is no reason to keep a process alive. */
  inBackground(milliseconds: number, action: () => void): () => void;
}
