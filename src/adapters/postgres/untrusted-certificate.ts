/** What the codes begin with by which Node refuses a server's certificate. */
export const UNTRUSTED = [
  "DEPTH_ZERO_",
  "SELF_SIGNED_",
  "UNABLE_TO_",
  "CERT_",
  "HOSTNAME_MISMATCH",
  "ERR_TLS_CERT_",
] as const;

export const UNTRUSTED_HINT =
  "The server's certificate is not trusted. Give that of who signed it, as ssl: { ca }, and the host's name as it stands in it.";
