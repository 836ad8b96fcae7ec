"""The core tables. Skills bring their own beside their code."""

from store.models.api import ApiAnswer, UploadedFile
from store.models.channel import ChannelAccount, ChannelEvent, MessageTemplate, MetaApp, WebhookDelivery
from store.models.contact import Consent, Contact, ContactIdentity, MergeProposal
from store.models.contact_book import (
    ContactField,
    ContactImport,
    ContactImportRow,
    ContactLabel,
    KnowledgeQuestion,
    Segment,
)
from store.models.conversation import CannedReply, Conversation, ConversationNote
from store.models.identity import (
    Credential,
    ExternalAttempt,
    ExternalIdentity,
    MailedToken,
    RecoveryCode,
    RefreshToken,
    SignInTries,
    UserSession,
)
from store.models.job import AuditEntry, Charge, Heartbeat, JobRow, PacingSlot
from store.models.knowledge import KnowledgeBase, KnowledgeDocument, KnowledgePassage
from store.models.organization import Organization, OrganizationKey, SkillInstall
from store.models.publication import SkillDraft, SkillVersion
from store.models.session import InboxItem, MediaFile, Message, MessageStatus, OutboxItem, Session
from store.models.usage import TurnTrace, UsageFact
from store.models.user import ApiKey, CustomRole, Invitation, Membership, User

__all__ = [
    "ApiAnswer",
    "ApiKey",
    "AuditEntry",
    "CannedReply",
    "ChannelAccount",
    "ChannelEvent",
    "Charge",
    "Consent",
    "Contact",
    "ContactField",
    "ContactIdentity",
    "ContactImport",
    "ContactImportRow",
    "ContactLabel",
    "Conversation",
    "ConversationNote",
    "Credential",
    "CustomRole",
    "ExternalAttempt",
    "ExternalIdentity",
    "Heartbeat",
    "InboxItem",
    "Invitation",
    "JobRow",
    "KnowledgeBase",
    "KnowledgeDocument",
    "KnowledgePassage",
    "KnowledgeQuestion",
    "MailedToken",
    "MediaFile",
    "Membership",
    "MergeProposal",
    "Message",
    "MessageStatus",
    "MessageTemplate",
    "MetaApp",
    "Organization",
    "OrganizationKey",
    "OutboxItem",
    "PacingSlot",
    "RecoveryCode",
    "RefreshToken",
    "Segment",
    "Session",
    "SignInTries",
    "SkillDraft",
    "SkillInstall",
    "SkillVersion",
    "TurnTrace",
    "UploadedFile",
    "UsageFact",
    "User",
    "UserSession",
    "WebhookDelivery",
]
