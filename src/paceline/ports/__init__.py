"""The Protocols through which the outside is reached: adapters implement them, commands use them."""
