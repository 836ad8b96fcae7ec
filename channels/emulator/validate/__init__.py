"""Meta's limits on what a business sends; pure: a request in, the checked send or a GraphError out."""
