//! The store's contract, its engines, and one conformance suite run against each.
