"""The Protocols through which the outside is reached: adapters have them, commands use them."""
