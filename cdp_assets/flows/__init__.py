"""One verb per module: each joins the rooms below into something the product does."""
