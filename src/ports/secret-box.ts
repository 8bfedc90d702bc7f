/**
 * Seals secrets for the ledger.
 *
 * Promise: only a holder of the same key can open what was sealed; `seal` gives another text each time; `open` throws on
 * a text that was changed or sealed with another key.
 */
export interface SecretBox {
  seal(text: string): string;
  open(sealed: string): string;
}
