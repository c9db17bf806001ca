"""How the documentation becomes a site; `make docs` builds it into site/, strictly."""

project = "SUP Messenger"
author = "The SUP Messenger authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "SUP Messenger"
# The site needs nothing from elsewhere, so that it can be read without a network.
html_show_sourcelink = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Diagrams and YAML fragments with an ellipsis are shown as they are.
suppress_warnings = ["misc.highlighting_failure"]
