import type { Timers } from '@latchkey/protocol/timers';

/** The timers of the process. */
export const systemTimers: Timers = {
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  inBackground(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    if (typeof timer === 'object') timer.unref();
    return () => clearTimeout(timer);
  },
};
