"""Tiny models with random weights, written as a hub would hold them: for tests of loading and of what scores mean."""

import json
from pathlib import Path

WORDS = "the of and to in a is that it was for on are as with his they at be this from have or by one had not".split()


def config(folder: Path, **fields) -> Path:
    """A folder with nothing but a config.json and a tokeniser's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


def tokeniser(folder: Path, *, extra: tuple[str, ...] = ()):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<s>", "<unk>", "<pad>", *WORDS, *extra])}
    plain = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    found = PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>", unk_token="<unk>", pad_token="<pad>")
    found.save_pretrained(folder)
    return found


def causal(folder: Path, *, seed: int = 0, extra: tuple[str, ...] = ()) -> Path:
    """A Llama of two layers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    size = len(tokeniser(folder, extra=extra))
    shape = LlamaConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=300,
        initializer_range=0.5,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


def classifier(folder: Path, labels: tuple[str, ...], *, seed: int = 0) -> Path:
    """A BERT of two layers with a head over the labels."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    size = len(tokeniser(folder))
    shape = BertConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=300,
        initializer_range=0.5,
        id2label=dict(enumerate(labels)),
        label2id={n: i for i, n in enumerate(labels)},
    )
    BertForSequenceClassification(shape).save_pretrained(folder)
    return folder


def encoder(folder: Path, *, seed: int = 0) -> Path:
    """A BERT of two layers without a head, with tokens that open and close a text."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    found = tokeniser(folder, extra=("<cls>", "<sep>", "<mask>"))
    found.add_special_tokens({"cls_token": "<cls>", "sep_token": "<sep>", "mask_token": "<mask>"})
    found.save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(found),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=300,
        initializer_range=0.5,
    )
    BertModel(shape).save_pretrained(folder)
    return folder
