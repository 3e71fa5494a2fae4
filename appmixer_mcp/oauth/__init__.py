"""The authorization server: signs people in to Appmixer and gives their clients our own tokens."""
