"""Prints the values of other packages that test_diversity_equations.py and test_profile.py compare with.

In an environment of their own: pip install scikit-bio==0.7.4 lexicalrichness==0.5.1 vendi-score==0.0.3
"""

import numpy as np

SPIDER = [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2] + [1] * 12
WORDS = [f"w{(i * i * 7 + i * 3) % 97 % (5 + i % 53)}" for i in range(600)]
VECTORS = np.array([[np.sin(1.7 * i + j * j) for j in range(6)] for i in range(40)])

if __name__ == "__main__":
    from lexicalrichness import LexicalRichness
    from skbio.diversity import alpha
    from vendi_score import vendi

    print(alpha.chao1(SPIDER, bias_corrected=False), alpha.goods_coverage(SPIDER))
    print(np.exp(alpha.shannon(SPIDER)), alpha.inv_simpson(SPIDER))
    words = LexicalRichness(" ".join(WORDS), preprocessor=None, tokenizer=str.split)
    print(words.words, words.terms, words.mattr(window_size=100), words.hdd(draws=42))
    print(vendi.score_dual(VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)))
