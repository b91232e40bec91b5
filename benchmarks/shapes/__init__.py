"""The service beside its peers on more features, on texts and on sparse words."""
