"""Operations: settings, clocks, telemetry, health endpoint and fault injection.

Process supervision is in `workers`.
"""
