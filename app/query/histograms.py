"""Quantiles by log-spaced histograms, inside a pipeline of MongoDB 6.0.

Positive values fall into bins [g^k, g^(k+1)) with g = 1.0198; negative ones are mirrored, zero stands alone. A bin
keeps its count and its least and greatest value, so histograms add up. The value at rank ceil(p n) lies in a known bin,
and the middle of that bin's extremes is within (g - 1) / 2 < 1 % of it; the ends are exact. (The same idea as
DDSketch: C. Masson, J. E. Rim, H. K. Lee, VLDB 2019, section 2.)
"""

import math
from typing import Any

Expression = Any

_LOG_GAMMA = math.log(1.0198)
_OFFSET = 1_000_000  # keeps the bins of positive and negative values apart, and both apart from zero


def bin_of(value: Expression) -> Expression:
    """The bin of a number, growing with it; null for what is no number, or not a finite one."""

    def logarithm(magnitude: Expression) -> Expression:
        return {"$add": [_OFFSET, {"$toInt": {"$floor": {"$divide": [{"$ln": magnitude}, _LOG_GAMMA]}}}]}

    return {
        "$switch": {
            "branches": [
                {"case": {"$not": {"$isNumber": value}}, "then": None},
                # NaN comes before all other numbers.
                {"case": {"$lte": [value, -math.inf]}, "then": None},
                {"case": {"$gte": [value, math.inf]}, "then": None},
                {"case": {"$gt": [value, 0]}, "then": logarithm(value)},
                # The least 64-bit integer has no $abs.
                {"case": {"$lt": [value, 0]}, "then": {"$subtract": [0, logarithm({"$multiply": [-1.0, value]})]}},
            ],
            "default": 0,
        }
    }


def quantile_of(bins: Expression, total: Expression, p: float) -> Expression:
    """The value at rank ceil(p * total), at least 1, of sorted bins {n, lo, hi}; null where there are none."""
    rank = {"$max": [1, {"$ceil": {"$multiply": [{"$toDecimal": repr(p)}, total]}}]}
    reached = {"$add": ["$$value.count", "$$this.n"]}
    step = {
        "$cond": [
            {"$ne": ["$$value.bin", None]},
            "$$value",
            {"count": reached, "bin": {"$cond": [{"$gte": [reached, rank]}, "$$this", None]}},
        ]
    }
    found = {"$reduce": {"input": bins, "initialValue": {"count": 0, "bin": None}, "in": step}}
    middle = {"$divide": [{"$add": ["$$found.bin.lo", "$$found.bin.hi"]}, 2]}
    value = {
        "$switch": {
            "branches": [
                {"case": {"$eq": ["$$found.bin", None]}, "then": None},
                {"case": {"$lte": [rank, 1]}, "then": "$$found.bin.lo"},
                {"case": {"$gte": [rank, total]}, "then": "$$found.bin.hi"},
            ],
            "default": middle,
        }
    }
    return {"$let": {"vars": {"found": found}, "in": value}}
