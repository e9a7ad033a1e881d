// Simulated annealing of a round trip through cities that lie at random in a square.
//
//     cc -O2 -o target/annealing experiments/programs/annealing.c -lm
//     target/annealing --temperature 0.3 --cooling 0.999 --rounds 2000 --seed 1

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CITIES = 100 };

static double x[CITIES], y[CITIES];
static int tour[CITIES];
static uint64_t state;

// splitmix64
static double uniform(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

static double leg(int from, int to) {
    int a = tour[from % CITIES], b = tour[to % CITIES];
    return hypot(x[a] - x[b], y[a] - y[b]);
}

static double length(void) {
    double sum = 0;
    for (int i = 0; i < CITIES; i++) sum += leg(i, i + 1);
    return sum;
}

static void reverse(int from, int to) {
    for (; from < to; from++, to--) {
        int city = tour[from];
        tour[from] = tour[to];
        tour[to] = city;
    }
}

// One attempt for each city to turn round a part of the tour.
static void anneal(double temperature) {
    for (int i = 0; i < CITIES; i++) {
        int from = 1 + (int)(uniform() * (CITIES - 1)), to = 1 + (int)(uniform() * (CITIES - 1));
        if (from > to) {
            int swap = from;
            from = to;
            to = swap;
        }
        double before = leg(from - 1, from) + leg(to, to + 1);
        reverse(from, to);
        double more = leg(from - 1, from) + leg(to, to + 1) - before;
        if (more > 0 && uniform() >= exp(-more / temperature)) reverse(from, to);
    }
}

static double number(const char *option, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value > 0)) {
        fprintf(stderr, "annealing: %s must be a number above 0, not %s\n", option, text);
        exit(2);
    }
    return value;
}

int main(int count, char **words) {
    double temperature = 0.3, cooling = 0.999, rounds = 2000, seed = 1;
    for (int i = 1; i < count; i += 2) {
        double *value = !strcmp(words[i], "--temperature") ? &temperature
                        : !strcmp(words[i], "--cooling")   ? &cooling
                        : !strcmp(words[i], "--rounds")    ? &rounds
                        : !strcmp(words[i], "--seed")      ? &seed
                                                           : NULL;
        if (value == NULL || i + 1 == count) {
            fprintf(stderr, "annealing: %s is none of --temperature, --cooling, --rounds, --seed\n",
                    words[i]);
            return 2;
        }
        *value = number(words[i], words[i + 1]);
    }

    // The cities are the same for every seed, the search is not.
    state = 7;
    for (int i = 0; i < CITIES; i++) {
        tour[i] = i;
        x[i] = uniform();
        y[i] = uniform();
    }
    state = (uint64_t)seed;
    double best = length();
    for (int round = 1; round <= (int)rounds; round++, temperature *= cooling) {
        anneal(temperature);
        double now = length();
        if (now < best) best = now;
        if (round % 100 == 0) {
            printf("round %d: tour of %.4f, best %.4f\n", round, now, best);
            fflush(stdout);
        }
    }
    return 0;
}
