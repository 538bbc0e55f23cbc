"""Speech engines: ElevenLabs, Piper and espeak-ng, and the loudness of their output."""
