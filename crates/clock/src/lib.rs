//! World time: real time plus an offset that only moves forward.
