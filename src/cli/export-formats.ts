/** @file What `firn export` can write, for its help and its checks. */
export const EXPORT_FORMATS = ["gguf", "hf", "onnx", "megatron"] as const;
export const GGUF_FORMATS = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_k"] as const;
export const HF_DTYPES = ["float32", "float16", "bfloat16"] as const;
