/**
 * Share of the bound of a stall where there is little doubt: the process has gone another way and waits for nothing
 * outside ctx, as far as is seen; or it stands at the head of a journal that is only compared.
 */
export const EVIDENT_SHARE: number = 1 / 30;
