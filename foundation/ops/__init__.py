"""Operations: settings, clocks, telemetry, health endpoint and fault injection."""
