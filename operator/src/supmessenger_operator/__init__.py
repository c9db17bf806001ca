"""SUP Messenger operator: keeps SupMessenger resources as declared."""
