"""The creators' own sites: pages, feed, age checks and the endpoint that publishes to them."""
