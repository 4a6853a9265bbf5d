/** @file One case of `npm run bench -- train`, in a process of its own so that its peak memory is its own; prints JSON. */
import { time, trainCases } from "./train-cases.ts";

const [name, threads, seconds] = process.argv.slice(2);
const found = (await trainCases()).find((item) => item.name === name)!;
const { medianSeconds, bestSeconds, ...rest } = await time(found, Number(threads), Number(seconds));
const tokens = found.shape.batch * found.shape.length;
console.log(JSON.stringify({ tokensPerSecond: tokens / medianSeconds, best: tokens / bestSeconds, ...rest }));
