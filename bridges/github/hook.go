package github

// ShortestHookSecret is how many bytes the secret of a webhook has at least.
const ShortestHookSecret = 16
