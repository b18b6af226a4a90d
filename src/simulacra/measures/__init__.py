"""Numbers about pictures: channels of measures, each with its protocol, and the meter that follows a chain."""
