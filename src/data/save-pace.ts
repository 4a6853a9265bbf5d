/** @file How often a pass writes down how far it is. It decides what a kill costs, and no byte of the result. */

/** Asked after every piece of work: true when it is time to save. */
export type SavePace = () => boolean;

/** Seconds of work that a kill may cost: saving takes about a tenth of a second. */
const SECONDS = 10;

/** Time to save when so many seconds have gone by since it last was. */
export function everySeconds(seconds = SECONDS): SavePace {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < seconds * 1000) return false;
    last = now;
    return true;
  };
}
