//! Meta on your desk: a pure world, and the HTTP around it.
