/**
 * @file Memory that the garbage collector cannot see. llama.cpp's binding makes a sampler for every token, which keeps a list of
 * the whole vocabulary until its small JavaScript object is collected; with several answers at once these objects grow old
 * and stay for long (1.5 GB after 7,000 requests). So the collector is called whenever enough of them may have gathered.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** `llama_token_data`: id, logit, probability. */
const BYTES_PER_TOKEN = 12;
const BOUND_BYTES = 256 * 1024 * 1024;

let collect: (() => void) | undefined;
let gatheredBytes = 0;

/** To be told of every list of `vocabSize` tokens that was left behind. */
export function leaveBehind(vocabSize: number): void {
  gatheredBytes += vocabSize * BYTES_PER_TOKEN;
  if (gatheredBytes < BOUND_BYTES) return;
  gatheredBytes = 0;
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
