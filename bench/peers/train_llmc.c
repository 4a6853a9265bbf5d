// The training step of `npm run bench -- train` in llm.c's CPU trainer (github.com/karpathy/llm.c, train_gpt2.c), for comparison: GPT-2 of the
// same sizes with fresh weights on random tokens, AdamW, fp32. Prints one JSON object: tokens per second, steps, peak resident bytes.
//
//     cc -O3 -Ofast -march=native -fopenmp -DOMP -I<llm.c> bench/peers/train_llmc.c -lm -o train_llmc
//     OMP_NUM_THREADS=2 ./train_llmc <batch> <length> <vocabulary> <layers> <heads> <width> <seconds>
//
// Its own `main` wants OpenAI's weights and a tokenized corpus; it is left out (TESTING), the rest is used as it is.
#define TESTING
#include "train_gpt2.c"
#include <sys/resource.h>

static int compare(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 8) return 1;
    int batch = atoi(argv[1]), length = atoi(argv[2]);
    double seconds = atof(argv[7]);
    GPT2 model = {0};
    model.config.max_seq_len = length;
    model.config.vocab_size = model.config.padded_vocab_size = atoi(argv[3]);
    model.config.num_layers = atoi(argv[4]);
    model.config.num_heads = atoi(argv[5]);
    model.config.channels = atoi(argv[6]);
    model.mean_loss = -1.0f;
    fill_in_parameter_sizes(model.param_sizes, model.config);
    for (int i = 0; i < NUM_PARAMETER_TENSORS; i++) model.num_parameters += model.param_sizes[i];
    model.params_memory = malloc_and_point_parameters(&model.params, model.param_sizes);
    srand(1);
    // Uniform with a standard deviation of 0.02.
    for (size_t i = 0; i < model.num_parameters; i++)
        model.params_memory[i] = (rand() / (float)RAND_MAX - 0.5f) * 0.0693f;

    int rows = batch * length;
    int *tokens = mallocCheck((rows + 1) * sizeof(int));
    double times[4096];
    int steps = 0;
    double end = 0;
    for (int step = 1; steps < 4096 && (steps < 2 || now() < end); step++) {
        for (int i = 0; i <= rows; i++) tokens[i] = rand() % (int)model.config.vocab_size;
        double start = now();
        gpt2_forward(&model, tokens, tokens + 1, batch, length);
        gpt2_zero_grad(&model);
        gpt2_backward(&model);
        gpt2_update(&model, 1e-3f, 0.9f, 0.999f, 1e-8f, 0.1f, step);
        // The first step pays for memory that the later ones use again.
        if (step == 1) end = now() + seconds;
        else times[steps++] = now() - start;
    }
    qsort(times, steps, sizeof(double), compare);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"tokensPerSecond\": %f, \"best\": %f, \"steps\": %d, \"peakBytes\": %ld}\n", rows / times[steps / 2],
           rows / times[0], steps, usage.ru_maxrss * 1024L);
    return 0;
}
