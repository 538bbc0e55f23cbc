"""Speech engines: ElevenLabs, Piper, Pico and espeak-ng, and the loudness of their output."""
