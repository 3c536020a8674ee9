//! What is true and what should happen; pure: no I/O, async, clock or chance.
