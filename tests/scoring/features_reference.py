"""The inputs of violation networks as loops over paths and slots: slow, and written from what the features mean."""

import math
from itertools import pairwise

import numpy as np

from scoring.features import NAMES, SEQUENCE_SLOTS
from scoring.noise import EDGES_MS

HALF_LIVES = (1, 2, 5, 12, 30, 80)
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def features(paths, sla_ms):
    """Return ``[n, len(NAMES)]``."""
    return np.array(
        [[row[name] for name in NAMES] for row in (of_path(paths, i, sla_ms) for i in range(len(paths.windows)))]
    )


def of_path(paths, i, sla_ms):
    """Return one path's features by name."""
    there, back = single(paths.windows[i]), single(paths.context.reverse[i])
    row = of_window(there, sla_ms) | {f"reverse_{k}": v for k, v in of_window(back, sla_ms).items()}
    row |= of_memory(paths.memory[i], sla_ms)
    for factor in (0.6, 0.8, 1.25, 1.6):
        for half_life in (5, 80):
            row[f"above_{factor:g}x_{half_life}"] = decayed_share(there, sla_ms * factor, half_life)
    context = paths.context
    own, peer = context.curves[context.candidate[i]], context.curves[context.peer]
    floor, back_floor = quantile(there, 0.1), quantile(back, 0.1)
    for c, name in enumerate(f"{way}{slots}" for way in ("out", "in") for slots in (3, 12, 40)):
        row[f"candidate_{name}"] = exceed(own[c], sla_ms - floor)
        row[f"peer_{name}"] = exceed(peer[c], sla_ms - floor)
    for level in (0.25, 0.5):
        row[f"candidate_out40_over_{level:g}"] = exceed(own[2], sla_ms - quantile(there, level))
    row["reverse_candidate_in40"] = exceed(own[5], sla_ms - back_floor)
    known_floors = [f for f in (floor, back_floor) if not math.isnan(f)]
    row["lower_floor_ratio"] = log_ratio(min(known_floors, default=math.nan), sla_ms)
    return row


def of_window(window, sla_ms):
    """Return what one window shows under an SLA, by the features' names."""
    known = [v for v in window if not math.isnan(v)]
    row = {f"above_{h}": decayed_share(window, sla_ms, h) for h in HALF_LIVES}
    for a, b in ((1, 3), (3, 8), (8, 20), (20, 40), (40, 64)):
        part = [v for v in window[::-1][a:b] if not math.isnan(v)]
        row[f"above_{a}_to_{b}"] = (above(part, sla_ms) + 0.15) / (len(part) + 0.3) if known else math.nan
    row["last_ratio"] = log_ratio(known[-1], sla_ms) if known else math.nan
    row |= {f"ratio_{level:g}": log_ratio(quantile(window, level), sla_ms) for level in LEVELS}
    row["coverage"] = len(known) / len(window)
    pairs = list(pairwise(window))
    crossed = sum(not (math.isnan(a) or math.isnan(b)) and above([a], sla_ms) != above([b], sla_ms) for a, b in pairs)
    row["crossings"] = crossed / max(len(pairs), 1) if known else math.nan
    return row


def of_memory(hist, sla_ms):
    """Return the remembered shares above the SLA: buckets 2.3 times as wide as the one before, spread over log RTT."""
    ratio = 1e5 ** (1 / 14)
    row = {"memory_weight": math.log1p(hist[1].sum())}
    for name, weights in zip(("memory_5min", "memory_60min", "memory_1440min"), hist, strict=True):
        total = weights[-1]
        for k, weight in enumerate(weights[:-1]):
            upper = 0.05 * ratio**k
            total += weight * min(max(math.log(upper / max(sla_ms, 1e-9)) / math.log(ratio), 0.0), 1.0)
        row[name] = total / weights.sum() if weights.any() else math.nan
    return row


def sequence(paths, sla_ms):
    """Return ``[n, SEQUENCE_SLOTS, 4]``."""
    found = np.zeros((len(paths.windows), SEQUENCE_SLOTS, 4))
    for i, both in enumerate(zip(paths.windows, paths.context.reverse, strict=True)):
        for way, window in enumerate(both):
            for back, value in enumerate(single(window)[::-1][:SEQUENCE_SLOTS], start=1):
                if not math.isnan(value):
                    found[i, -back, 2 * way] = -log_ratio(value, sla_ms)
                    found[i, -back, 2 * way + 1] = 1.0 if value > float(np.float32(sla_ms)) else -1.0
    return found


def single(window):
    """Return a window in single precision, as networks see it, as numbers of Python."""
    return np.asarray(window).astype(np.float32).astype(float).tolist()


def above(values, sla_ms):
    """Return how many values are above the SLA, both in single precision."""
    return sum(v > float(np.float32(sla_ms)) for v in values)


def decayed_share(window, sla_ms, half_life):
    """Return the decayed share above the SLA, beginning with .3 slots of half violation; NaN without a sample."""
    slots = [(0.5 ** (back / half_life), v) for back, v in enumerate(window[::-1]) if not math.isnan(v)]
    if not slots:
        return math.nan
    return (sum(w for w, v in slots if above([v], sla_ms)) + 0.15) / (sum(w for w, _ in slots) + 0.3)


def quantile(window, level):
    """Return the sample of this rank, a loss being the largest; NaN without a sample."""
    ordered = sorted(v for v in window if not math.isnan(v))
    return ordered[round(level * (len(ordered) - 1))] if ordered else math.nan


def log_ratio(rtt_ms, sla_ms):
    """Return log(SLA / RTT) within +-4."""
    if math.isnan(rtt_ms):
        return math.nan
    return -4.0 if math.isinf(rtt_ms) else min(max(math.log(sla_ms / max(rtt_ms, 1e-3)), -4.0), 4.0)


def exceed(curve, margin_ms):
    """Return P(excess > margin) of one curve: linear in log margin, linear below the first edge."""
    if math.isnan(margin_ms) or np.isnan(curve).any():
        return math.nan
    if margin_ms < 0:
        return 1.0
    upper = next(k for k in range(1, len(EDGES_MS)) if margin_ms <= EDGES_MS[k])
    low, high = EDGES_MS[upper - 1], EDGES_MS[upper]
    if upper == 1:
        share = margin_ms / high
    elif math.isinf(high):
        share = 1.0
    else:
        share = math.log(margin_ms / low) / math.log(high / low)
    return curve[upper - 1] + (curve[upper] - curve[upper - 1]) * share
