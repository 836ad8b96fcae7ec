"""A skill whose jobs do what jobs do: succeed, fail, hang, and take their process with them."""
