"""Reviews by members: content, resemblances, appeals, calibration and spot checks."""
