"""Text to speech: voices of creators, the voice catalog, samples and speeches.

Speech engines are in `generators`; the consent of speakers is recorded in `gate`.
"""
