//! What the process says about itself: names of metrics, the shape of log lines.
