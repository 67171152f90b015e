//! Timelines of pods and machines, with the rest of the cluster stood in for by hand.
