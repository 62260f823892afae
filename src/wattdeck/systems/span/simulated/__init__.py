"""The v2 face of the simulated panel: REST bootstrap, topics, and the broker they are published to."""
