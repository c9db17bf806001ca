"""The kinds of cluster that can serve as the node, and the choice among them."""
