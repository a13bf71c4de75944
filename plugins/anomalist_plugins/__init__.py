"""The detectors that come with anomalist, each registered as a third party would."""
