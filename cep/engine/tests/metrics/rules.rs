//! Single rules: limits, order, the end of series.
