"""numpy emulation of ``FeatureOp`` for generated batches: what the Flink function computes, fast enough for unit tests.

It assumes that windows of days never lose an event, which holds for the few days that tests generate.
"""

import numpy as np

from patternalarm.contracts.domain_pack import DomainPack, Feature, FeatureOp
from patternalarm.contracts.topics import DAY_MS
from patternalarm.generator.batch import ColumnKind

_LONG_MS = DAY_MS


class Emulator:
    """Features of events given in the order they are sent."""

    def __init__(self, pack, columns, batch):
        self.pack, self.batch = pack, batch
        self.columns = {c.name: c for c in columns}
        self._orders = {}

    def matrix(self):
        return np.column_stack([self._feature(f) for f in self.pack.features])

    def _raw(self, name):
        return self.batch.actor if name == "actor_id" else self.batch.values[name]

    def _missing(self, name):
        if name == "actor_id":
            return np.zeros(len(self.batch), dtype=bool)
        column, values = self.columns[name], self._raw(name)
        return np.isnan(values) if column.kind is ColumnKind.NUMBER else values == column.missing

    def _number(self, name):
        values = self._raw(name).astype(float)
        return np.where(self._missing(name), np.nan, values)

    def _where(self, feature):
        keep = np.ones(len(self.batch), dtype=bool)
        for name, words in feature.where.items():
            column = self.columns[name]
            if column.kind is ColumnKind.BOOLEAN:
                codes = [{"false": 0, "true": 1}[w] for w in words]
            else:
                codes = [column.vocabulary.index(w) for w in words]
            keep &= np.isin(self._raw(name), codes)
        return keep

    def _order(self, key):
        """Positions sorted by key and sending order, and the group number of each."""
        if key not in self._orders:
            group = np.unique(self._raw(key), return_inverse=True)[1]
            order = np.argsort(group, kind="stable")
            self._orders[key] = (order, group[order])
        return self._orders[key]

    def _feature(self, f: Feature):
        if f.op is FeatureOp.FIELD:
            return self._number(f.field)
        if f.op is FeatureOp.CATEGORY:
            column = self.columns[f.field]
            index = np.array([f.categories.index(w) if w in f.categories else -1 for w in column.vocabulary])
            codes = self._raw(f.field)
            out = np.where(codes >= 0, index[codes], -1).astype(float)
            return np.where(out < 0, np.nan, out)
        if f.op is FeatureOp.HOUR:
            return (self.batch.time_ms // 3_600_000 % 24).astype(float)
        if f.op is FeatureOp.WEEKDAY:
            return ((self.batch.time_ms // DAY_MS + 3) % 7).astype(float)
        order, group = self._order(f.key)
        out = np.empty(len(order))
        if f.op is FeatureOp.SECONDS_SINCE:
            out[order] = self._seconds_since(f, order, group)
        elif f.window >= _LONG_MS:
            out[order] = self._habit(f, order, group)
        else:
            out[order] = self._window(f, order, group)
        if f.key != "actor_id":
            out[self._missing(f.key)] = np.nan
        return out

    @staticmethod
    def _starts(group):
        first = np.r_[True, group[1:] != group[:-1]]
        return np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))

    def _seconds_since(self, f, order, group):
        time, keep = self.batch.time_ms[order], self._where(f)[order]
        position = np.arange(len(order))
        last = np.maximum.accumulate(np.where(keep, position, -1))
        earlier = np.r_[-1, last[:-1]]
        known = earlier >= self._starts(group)
        return np.where(known, (time - time[earlier.clip(0)]) / 1000.0, np.nan)

    def _habit(self, f, order, group):
        keep = self._where(f)[order]
        start = self._starts(group)
        if f.op is FeatureOp.IS_NEW:
            values = self._raw(f.field)[order]
            present = ~self._missing(f.field)[order] & keep
            before = np.cumsum(present) - present
            any_earlier = before - before[start] > 0
            code = np.unique(values, return_inverse=True)[1]
            pair = group.astype(np.int64) * (code.max() + 1) + code
            first_seen = np.full(len(order), False)
            candidates = np.flatnonzero(present)
            first_seen[candidates[np.unique(pair[candidates], return_index=True)[1]]] = True
            return np.where(any_earlier & present, first_seen.astype(float), np.nan)
        values = self._number(f.field)[order]
        present = ~np.isnan(values) & keep
        filled = np.where(present, values, 0.0)

        def earlier(x):
            total = np.cumsum(x) - x
            return total - total[start]

        n, s, q = earlier(present.astype(float)), earlier(filled), earlier(filled * filled)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(n > 0, s / n, np.nan)
            if f.op is FeatureOp.MEAN:
                return mean
            if f.op is FeatureOp.RATIO:
                return np.where(mean != 0, values / mean, np.nan)
            if f.op is FeatureOp.STD:
                return np.where(n > 0, np.sqrt(np.maximum(q / n - mean * mean, 0)), np.nan)
        raise NotImplementedError(f.op)

    def _window(self, f, order, group):
        size = len(order)
        bucket = self.batch.time_ms[order] // f.bucket_ms
        keep = self._where(f)[order]
        values = None
        if f.op is FeatureOp.DISTINCT:
            raw = self._raw(f.field)[order]
            keep = keep & ~self._missing(f.field)[order]
            code = np.unique(raw, return_inverse=True)[1]
            following = np.full(size, size)
            members = np.flatnonzero(keep)
            ranked = members[np.lexsort((members, code[members], group[members]))]
            same = (code[ranked][1:] == code[ranked][:-1]) & (group[ranked][1:] == group[ranked][:-1])
            following[ranked[:-1][same]] = ranked[1:][same]
        elif f.op is not FeatureOp.COUNT:
            values = self._number(f.field)[order]
            keep = keep & ~np.isnan(values)
        position = np.arange(size)
        settled = (self.batch.time_ms[order] - self.pack.shared_key_delay) // f.bucket_ms - 1
        newest = settled if f.key != "actor_id" else bucket
        oldest = newest - f.buckets + 1
        n, s, q, top = np.zeros(size), np.zeros(size), np.zeros(size), np.full(size, -np.inf)
        only_earlier = f.op in (FeatureOp.MEAN, FeatureOp.STD, FeatureOp.RATIO, FeatureOp.IS_NEW)
        for lag in range(1 if only_earlier else 0, size):
            j = position - lag
            inside = (j >= 0) & (group[j.clip(0)] == group) & (bucket[j.clip(0)] >= oldest)
            if not inside.any():
                break
            j = j.clip(0)
            seen = inside & keep[j] & (bucket[j] <= newest)
            if f.op is FeatureOp.DISTINCT:
                later = following[j].clip(max=size - 1)
                repeated = (following[j] <= position) & (bucket[later] <= newest)
                n += seen & ~repeated
                continue
            n += seen
            if values is not None:
                v = np.where(seen, values[j], 0.0)
                s += v
                q += v * v
                top = np.where(seen, np.maximum(top, values[j]), top)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(n > 0, s / n, np.nan)
            match f.op:
                case FeatureOp.COUNT | FeatureOp.DISTINCT:
                    return n
                case FeatureOp.SUM:
                    return s
                case FeatureOp.MAX:
                    return np.where(n > 0, top, np.nan)
                case FeatureOp.MEAN:
                    return mean
                case FeatureOp.STD:
                    return np.where(n > 0, np.sqrt(np.maximum(q / n - mean * mean, 0)), np.nan)
                case FeatureOp.RATIO:
                    return values / mean
        raise NotImplementedError(f.op)


def emulate(pack: DomainPack, columns, batch):
    """Feature matrix of ``batch``, one row per event, in the pack's order."""
    return Emulator(pack, columns, batch).matrix()
