/* The reference job as plain C: what hedgerow's band kernel is measured against, operation by operation.
 *
 * An account owns q[i] coins of N assets and is short h[i] of them; `ledger` is its cash with the proceeds of the shorts.
 * Every bar: funding where it is a stamp, value, test; where a band is passed, trade at the bar's prices.
 *   drift   an asset `threshold` of value above its weight sells `part` of what brings it there, costs included; one as
 *           far below buys up to it
 *   hedge   a short further than `band` of itself from ratio x coins is brought there; the ratio depends on `wild`
 * Without a hedge leg (`future` is null) nothing is said of shorts at all.
 * Result: the value at every bar before its trades, and how many trades there were.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST = 256 };

typedef struct {
    int64_t bars, assets, every; /* `every`: bars from one funding stamp to the next */
    const double *price, *future, *funding, *weight; /* [bars][assets] twice, [stamps][assets], [assets] */
    const uint8_t *wild;                             /* [bars][assets] */
    double cash, band, spot_cost, future_cost;       /* quote; of the short; one way, of the traded value */
} job;

static inline int64_t trade(const job *j, int hedged, const double *p, const double *f, const uint8_t *w, double value,
                            double limit, double part, double low, double high, double *q, double *h, double *ledger) {
    int64_t n = j->assets, trades = 0;
    for (int64_t i = 0; i < n; i++) {
        double excess = q[i] * p[i] - j->weight[i] * value;
        if (excess >= limit || -excess >= limit) {
            double sold = excess >= limit ? part * (excess / (1.0 - j->spot_cost * j->weight[i])) : excess;
            q[i] -= sold / p[i];
            *ledger += sold - fabs(sold) * j->spot_cost;
            trades++;
        }
    }
    for (int64_t i = 0; hedged && i < n; i++) {
        double wanted = (w[i] ? high : low) * q[i], more = wanted - h[i];
        if (fabs(more) > j->band * wanted) {
            double worth = more * f[i];
            *ledger += worth - fabs(worth) * j->future_cost;
            h[i] = wanted;
            trades++;
        }
    }
    return trades;
}

static inline int64_t run(const job *j, int hedged, double threshold, double part, double low, double high,
                          double *equity) {
    double q[MOST] = {0}, h[MOST] = {0}, ledger = j->cash;
    int64_t n = j->assets, trades = 0, due = 0;
    const double *rate = j->funding;
    for (int64_t t = 0; t < j->bars; t++) {
        const double *p = j->price + t * n, *f = hedged ? j->future + t * n : NULL;
        const uint8_t *w = hedged ? j->wild + t * n : NULL;
        double spot = 0.0, shorts = 0.0;
        if (hedged && t == due) {
            for (int64_t i = 0; i < n; i++) ledger += h[i] * f[i] * rate[i];
            rate += n;
            due += j->every;
        }
        for (int64_t i = 0; i < n; i++) {
            spot += q[i] * p[i];
            if (hedged) shorts += h[i] * f[i];
        }
        double value = ledger + spot - shorts, limit = t == 0 ? 0.0 : threshold * value; /* the first bar buys */
        int passed = 0;
        for (int64_t i = 0; i < n; i++) {
            passed |= fabs(q[i] * p[i] - j->weight[i] * value) >= limit;
            if (hedged) {
                double wanted = (w[i] ? high : low) * q[i];
                passed |= fabs(wanted - h[i]) > j->band * wanted;
            }
        }
        equity[t] = value;
        if (passed) trades += trade(j, hedged, p, f, w, value, limit, part, low, high, q, h, &ledger);
    }
    return trades;
}

int64_t reference(const job *j, double threshold, double part, double low, double high, double *equity) {
    return j->future ? run(j, 1, threshold, part, low, high, equity) : run(j, 0, threshold, part, low, high, equity);
}
