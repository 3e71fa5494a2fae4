"""What is left out of a flow that is asked for: its pictures, and often its descriptor."""

WITHOUT_PICTURES = "-thumbnail,-svg,-wizard"
WITHOUT_DESCRIPTOR = f"-flow,{WITHOUT_PICTURES}"
