/** @file `firn/release`: a model as others load it (Hugging Face, GGUF) and the papers that go with it. */
export { type GgufTensorType } from "./gguf.ts";
export { type GgufDescription, ggufTensorName, writeApertusGguf } from "./gguf-model.ts";
