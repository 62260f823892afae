"""SPAN v2: REST bootstrap, and Homie 5 over MQTT ("eBus") in two data models (span-v2.md)."""
