"""Parsers of file formats. They read untrusted bytes and decode no pixels."""
