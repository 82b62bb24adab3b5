"""Help inside the product: a short page for each thing people do here, and for every page the one that is about it."""
